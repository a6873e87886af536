import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { NativeAddon } from '../../origin/native/addon.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';

export interface PinnedRequest {
  path: string;
  parameters: SiftParameters;
}

export interface PinnedResponse {
  payload: Uint8Array;
  grey: Uint8Array;
}

/** The addon in a process of its own, because OpenCV reads OPENCV_CPU_DISABLE only once, when it is loaded. */
export class PinnedAddon {
  readonly engine: NativeAddon['engine'];
  readonly #child: ChildProcess;
  readonly #death: Promise<never>;

  private constructor(child: ChildProcess, death: Promise<never>, engine: NativeAddon['engine']) {
    this.#child = child;
    this.#death = death;
    this.engine = engine;
  }

  static async start(environment: Record<string, string>): Promise<PinnedAddon> {
    const script = fileURLToPath(new URL('pinned-addon-process.ts', import.meta.url));
    const child = fork(script, {
      env: { ...process.env, ...environment },
      serialization: 'advanced',
      execArgv: [],
    });
    const death = deathOf(child);
    const [engine] = await Promise.race([once(child, 'message'), death]);
    return new PinnedAddon(child, death, engine);
  }

  async extract(path: string, parameters: SiftParameters): Promise<PinnedResponse> {
    this.#child.send({ path, parameters } satisfies PinnedRequest);
    const [response] = await Promise.race([once(this.#child, 'message'), this.#death]);
    return response;
  }

  stop(): void {
    this.#death.catch(() => {});
    this.#child.disconnect();
  }
}

async function deathOf(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`the process with the pinned addon ended with ${code ?? signal}`);
}
