import { reportProblem } from './report.ts';
import { SetUpError } from './set-up-error.ts';

/** Makes sure of one thing the project needs; returns at once when it is there already. */
export type SetUpStep = () => Promise<void>;

/** Runs the steps in order. A step only the user can take ends the process with its message and code 1. */
export async function setUp(...steps: readonly SetUpStep[]): Promise<void> {
  try {
    for (const step of steps) await step();
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    reportProblem(error.message);
    process.exit(1);
  }
}
