import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SiftEngine } from '../../origin/native/addon.ts';

export interface NativeTimes {
  readonly decodeMs: number;
  readonly siftMs: number;
}

/** The work itself with no service around it. */
export interface NativeCall {
  extract(bytes: Uint8Array): Promise<NativeTimes>;
  stop(): Promise<void>;
}

export function startNativeCall(engine: SiftEngine): NativeCall {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: engine });
  return {
    async extract(bytes) {
      worker.postMessage(bytes);
      const [times]: NativeTimes[] = await once(worker, 'message');
      if (times === undefined) throw new Error('the thread posted nothing');
      return times;
    },
    stop: async () => void (await worker.terminate()),
  };
}
