/** One line per step of the set-up, the same marks as `tools/launch.mjs` writes. */
export function reportDone(text: string): void {
  process.stdout.write(`✓ ${text}\n`);
}

/** Said before work that may take a while. */
export function reportWorking(text: string): void {
  process.stdout.write(`… ${text}\n`);
}

export function reportProblem(text: string): void {
  process.stderr.write(`✗ ${text}\n`);
}
