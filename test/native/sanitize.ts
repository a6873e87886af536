// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer and runs it, inside Node, over every
// image at hand, odd sizes, wrong arguments and two threads:  node test/native/sanitize.ts
// Ends with 0 when the sanitizers found nothing. Linux with GCC or Clang.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const build = `${root}/build/native-sanitize`;

function run(command: string, ...values: string[]): void {
  execFileSync(command, values, { cwd: root, stdio: 'inherit' });
}

function runtimeLibrary(name: string): string {
  return execFileSync(process.env.CXX ?? 'c++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

run(
  'cmake',
  '-S',
  'origin/native',
  '-B',
  build,
  '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
  '-DEDGESIFT_SANITIZE=ON',
);
run('cmake', '--build', build, '--target', 'edgesift');

const script = fileURLToPath(new URL('exercise.ts', import.meta.url));
const { status, signal } = spawnSync(process.execPath, [script, `${build}/edgesift.node`], {
  stdio: 'inherit',
  env: {
    ...process.env,
    // Node itself is not instrumented, so the runtime has to be there before it, and its leaks are its own.
    LD_PRELOAD: `${runtimeLibrary('libasan.so')} ${runtimeLibrary('libubsan.so')}`,
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  },
});
process.exitCode = status ?? 1;
if (signal) process.stderr.write(`ended by ${signal}\n`);
