import { findExecutable } from './executables.ts';
import { reportDone } from './report.ts';
import { SetUpError } from './set-up-error.ts';
import { installSystemPackages } from './system-packages.ts';

/** A real browser for the tests of the pages. */
export async function ensureChromium(): Promise<void> {
  if (findChromium() === undefined) {
    await installSystemPackages({
      purpose: 'Chromium',
      apt: 'chromium fonts-dejavu-core',
      dnf: 'chromium',
      brew: 'chromium',
    });
  }
  if (findChromium() === undefined) throw new SetUpError('still missing after installing: chromium');
  reportDone('Chromium');
}

export function findChromium(): string | undefined {
  return findExecutable('chromium', 'chromium-browser', 'google-chrome');
}
