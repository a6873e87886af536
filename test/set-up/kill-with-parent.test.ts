import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { fromRoot } from '../../tools/project-root.ts';

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a process ends with the one that started it on %s',
  async (signal) => {
    const script = `
    import { startProcess } from ${JSON.stringify(fromRoot('tools', 'running-process.ts'))};
    const { pid } = await startProcess('sleep', ['600'], { stdio: 'inherit' });
    process.stdout.write(String(pid));
    setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    // Closed is the parent's output with the last of the processes that write to it.
    const closed = once(parent, 'close');
    parent.kill(signal);
    expect(await closed).toEqual([null, signal]);
  },
);
