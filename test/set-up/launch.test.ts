import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromRoot } from '../../tools/project-root.ts';

let project: string;

/** A project with the real launcher, a command that reports what it was started with, and an npm that takes notes. */
beforeEach(() => {
  project = mkdtempSync(path.join(tmpdir(), 'launch-'));
  for (const folder of ['tools', 'bin']) mkdirSync(path.join(project, folder));
  cpSync(fromRoot('tools', 'launch.mjs'), path.join(project, 'tools', 'launch.mjs'));
  write('package-lock.json', '{}');
  write(
    'tools/report.ts',
    `const report: object = { arguments: process.argv.slice(2), path: process.env.PATH };
     process.stdout.write(JSON.stringify(report));
     if (process.argv[2] === 'exit') process.exit(7);
     if (process.argv[2] === 'signal') process.kill(process.pid, 'SIGTERM');`,
  );
  write('bin/npm', '#!/bin/sh\necho "$@" >> npm-calls\nmkdir -p node_modules\n');
  chmodSync(path.join(project, 'bin', 'npm'), 0o755);
});
afterEach(() => rmSync(project, { recursive: true }));

test('installs packages once, and again when the lock has changed', () => {
  expect(launch('report').stdout).toContain('installing packages');
  expect(launch('report').stdout).not.toContain('installing packages');
  write('package-lock.json', '{"changed": true}');
  expect(launch('report').stdout).toContain('installing packages');
  expect(npmCalls()).toHaveLength(2);
});

test('tries again after an installation that failed', () => {
  write('bin/npm', '#!/bin/sh\necho "$@" >> npm-calls\nexit 1\n');
  const { status, stderr } = launch('report');
  expect(status).toBe(1);
  expect(stderr).toContain('failed: npm install');
  launch('report');
  expect(npmCalls()).toHaveLength(2);
});

test('never writes to the lock', () => {
  launch('report');
  expect(npmCalls()[0]).toContain('--no-save');
  expect(readFileSync(path.join(project, 'package-lock.json'), 'utf8')).toBe('{}');
});

test('hands over arguments and a PATH with Node.js and the project commands first', () => {
  const { stdout } = launch('report', 'a', '--flag');
  const report = JSON.parse(stdout.slice(stdout.indexOf('{')));
  expect(report.arguments).toEqual(['a', '--flag']);
  expect(report.path.split(path.delimiter).slice(0, 2)).toEqual([
    path.dirname(process.execPath),
    path.join(project, 'node_modules', '.bin'),
  ]);
});

test('ends with the exit code of the command, or that of its signal', () => {
  expect(launch('report', 'exit').status).toBe(7);
  expect(launch('report', 'signal').status).toBe(128 + 15);
});

test.each(['', 'nosuch', '../tools/report'])('refuses the command "%s"', (command) => {
  const { status, stderr } = launch(command);
  expect(status).toBe(1);
  expect(stderr).toContain('usage:');
});

function launch(...parameters: string[]) {
  return spawnSync(process.execPath, [path.join(project, 'tools', 'launch.mjs'), ...parameters], {
    encoding: 'utf8',
    env: { ...process.env, PATH: [path.join(project, 'bin'), process.env.PATH].join(path.delimiter) },
  });
}

function write(file: string, content: string): void {
  writeFileSync(path.join(project, file), content);
}

function npmCalls(): string[] {
  return readFileSync(path.join(project, 'npm-calls'), 'utf8').trim().split('\n');
}
