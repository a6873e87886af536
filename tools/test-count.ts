import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Ends a test run with the plain line `N passed, N failed`. A file that cannot be run counts as one failure. Before it
 * come the tests that failed at first and passed when they were repeated: each is slow on this machine, or unreliable.
 */
export default class TestCount implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const brokenFiles = modules.filter((module) => module.errors().length > 0).length;
    const failed = count('failed') + brokenFiles + unhandledErrors.length;
    for (const test of tests.filter((test) => test.diagnostic()?.flaky)) {
      process.stdout.write(`\npassed only on retry ${test.diagnostic()?.retryCount}: ${nameOf(test)}\n`);
      for (const { message } of test.result().errors ?? [])
        process.stdout.write(`  ${message.split('\n')[0]}\n`);
    }
    const skipped = count('skipped') > 0 ? `, ${count('skipped')} skipped` : '';
    process.stdout.write(`\n${count('passed')} passed, ${failed} failed${skipped}\n`);
  }
}

function nameOf({ project, module, fullName }: TestCase): string {
  return `${project.name} ${module.relativeModuleId} > ${fullName}`;
}
