import { findExecutable } from './executables.ts';
import { reportWorking } from './report.ts';
import { runCommand } from './run-command.ts';
import { SetUpError } from './set-up-error.ts';

/** What one need is called in each package manager, names separated by spaces. */
export interface SystemPackages {
  /** What it is, for the user: "OpenCV, CMake and a C++ compiler". */
  readonly purpose: string;
  readonly apt: string;
  /** Absent, as `brew`, where the need itself is met on Debian only. */
  readonly dnf?: string;
  readonly brew?: string;
}

/**
 * Installs with apt where that needs no question: as root, or with passwordless sudo.
 *
 * @throws SetUpError with the exact command wherever the user has to run it.
 */
export async function installSystemPackages(packages: SystemPackages): Promise<void> {
  const privilege = await aptPrivilege();
  if (privilege === undefined) {
    throw new SetUpError(`${packages.purpose} missing. Install with:\n\n    ${manualCommand(packages)}\n`);
  }
  reportWorking(`installing ${packages.purpose} with apt, this may take a minute`);
  await apt(privilege, ['update']);
  await apt(privilege, ['install', '--yes', '--no-install-recommends', ...packages.apt.split(' ')]);
}

/** What to put before `apt-get` so that it may install; undefined where that cannot be had without asking. */
async function aptPrivilege(): Promise<readonly string[] | undefined> {
  if (findExecutable('apt-get') === undefined) return undefined;
  if (process.getuid?.() === 0) return [];
  if (findExecutable('sudo') === undefined) return undefined;
  const { code } = await runCommand('sudo', ['--non-interactive', 'true']);
  return code === 0 ? ['sudo', '--non-interactive'] : undefined;
}

async function apt(privilege: readonly string[], parameters: readonly string[]): Promise<void> {
  // `env`, because sudo does not pass the environment on.
  const line = [...privilege, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '--quiet', ...parameters];
  const [program = '', ...rest] = line;
  const { code, output } = await runCommand(program, rest);
  if (code !== 0) throw new SetUpError(`failed: ${line.join(' ')}\n${output}`);
}

function manualCommand({ apt, dnf, brew }: SystemPackages): string {
  if (brew && process.platform === 'darwin') return `brew install ${brew}`;
  if (findExecutable('apt-get') !== undefined) {
    return `sudo apt-get update && sudo apt-get install --no-install-recommends ${apt}`;
  }
  if (dnf && findExecutable('dnf') !== undefined) return `sudo dnf install ${dnf}`;
  return `(with your package manager; on Debian they are called) ${apt}`;
}
