import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { parseConfiguration, usableMemoryBytes } from '../../../origin/configuration.ts';
import { SettingsError } from '../../../shared/settings.ts';

const SECRET = 's'.repeat(32);

function problemsOf(environment: Record<string, string>): string {
  try {
    parseConfiguration(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return '';
}

test('only the secret has to be set', () => {
  const configuration = parseConfiguration({ ORIGIN_SECRET: SECRET });
  expect(configuration).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    metricsPort: 9464,
    secrets: [SECRET],
    threads: availableParallelism(),
    engine: 'edgesift',
    timeoutMs: 30_000,
    limits: { maxBytes: 10 * 1024 * 1024, maxPixels: 50_000_000 },
    logLevel: 'info',
  });
  expect(configuration.memoryBytes).toBeGreaterThan(usableMemoryBytes() / 2);
  expect(configuration.memoryBytes).toBeLessThan(usableMemoryBytes());
});

test('a value that is set but empty counts as not set', () => {
  expect(parseConfiguration({ ORIGIN_SECRET: SECRET, ORIGIN_PORT: '', LOG_LEVEL: '' }).port).toBe(8080);
});

test('the values given are those used', () => {
  const configuration = parseConfiguration({
    ORIGIN_SECRET: SECRET,
    ORIGIN_HOST: '0.0.0.0',
    ORIGIN_PORT: '9000',
    ORIGIN_METRICS_PORT: '9001',
    ORIGIN_THREADS: '3',
    SIFT_ENGINE: 'opencv',
    ORIGIN_MEMORY_BYTES: '1000000000',
    ORIGIN_QUEUE_LENGTH: '5',
    ORIGIN_UPLOAD_BYTES: '30000000',
    JOB_TIMEOUT_MS: '1500',
    MAX_IMAGE_BYTES: '20000000',
    MAX_IMAGE_PIXELS: '1000000',
    VEHICLE_MODELS: '/srv/models',
    VEHICLE_SHADOW_SHARE: '0.25',
    LOG_LEVEL: 'warn',
  });
  expect(configuration).toEqual({
    host: '0.0.0.0',
    port: 9000,
    metricsPort: 9001,
    secrets: [SECRET],
    threads: 3,
    engine: 'opencv',
    memoryBytes: 1_000_000_000,
    queueLength: 5,
    uploadBytes: 30_000_000,
    timeoutMs: 1500,
    limits: { maxBytes: 20_000_000, maxPixels: 1_000_000 },
    vehicleModels: '/srv/models',
    vehicleShadowShare: 0.25,
    logLevel: 'warn',
  });
});

test('every problem is listed at once, by the name of its variable', () => {
  const message = problemsOf({
    ORIGIN_PORT: '70000',
    ORIGIN_THREADS: 'many',
    JOB_TIMEOUT_MS: '0',
    LOG_LEVEL: 'loud',
  });
  expect(message).toMatch(/ORIGIN_SECRET is missing/);
  expect(message).toMatch(/ORIGIN_PORT must be a whole number from 0 to 65535/);
  expect(message).toMatch(/ORIGIN_THREADS must be a whole number/);
  expect(message).toMatch(/JOB_TIMEOUT_MS must be a whole number/);
  expect(message).toMatch(/LOG_LEVEL must be one of: fatal, error/);
});

test('an upload budget that no image of the allowed size fits in is refused', () => {
  expect(problemsOf({ ORIGIN_SECRET: SECRET, ORIGIN_UPLOAD_BYTES: '1000' })).toMatch(
    /ORIGIN_UPLOAD_BYTES must not be less than MAX_IMAGE_BYTES/,
  );
});

test('an upload budget that not every match fits in is refused', () => {
  const settings = { ORIGIN_SECRET: SECRET, ORIGIN_UPLOAD_BYTES: '5000000', MAX_IMAGE_BYTES: '5000000' };
  expect(problemsOf(settings)).toMatch(/ORIGIN_UPLOAD_BYTES must not be less than \d+, the features of two/);
});

test('the process ends with status 1 and says why, without the value of the secret', () => {
  const { status, stderr } = spawnSync(process.execPath, ['origin/server.ts'], {
    env: { PATH: process.env.PATH, ORIGIN_SECRET: 'too short', ORIGIN_PORT: 'eighty' },
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/ORIGIN_SECRET must have at least 32 characters/);
  expect(stderr).toMatch(/ORIGIN_PORT must be a whole number/);
  expect(stderr).not.toMatch(/too short/);
});
