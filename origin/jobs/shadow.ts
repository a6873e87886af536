import type { Logger } from 'pino';
import type { VehicleOptions } from '../../shared/contract/vehicles.ts';
import type { VehicleImageHeader } from '../../shared/image-header.ts';
import type { ObservedClassification, VehicleMetrics } from '../observability/vehicle-metrics.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';
import { classifyJob } from './classify-job.ts';
import type { ArrivedImage } from './extraction-job.ts';

/** Whose fair share a run counts for. */
const CLIENT = 'shadow';

export interface ShadowOptions {
  pool: Pick<ExtractionPool, 'run' | 'status'>;
  metrics: VehicleMetrics;
  logger: Pick<Logger, 'warn'>;
  /** Of the computed classifications that the challenger repeats, 0 to 1. */
  share: number;
  timeoutMs: number;
  /** 0 to 1. */
  random?: () => number;
}

/** An image chosen for the challenger, kept until its response is out. */
export interface ShadowImage {
  /** Lets the challenger classify it, in the background, and compares. */
  compareWith(champion: ObservedClassification): void;
  /** It is not needed: there is no result to compare with. */
  drop(): void;
}

/**
 * Lets the challenger classify a share of the images after the champion. Responses never wait for it: it runs when they
 * are out, one image at a time, and only where no job waits and a thread is free.
 */
export class Shadow {
  readonly #options: ShadowOptions;
  /** An image is kept, or the challenger runs. */
  #isBusy = false;

  constructor(options: ShadowOptions) {
    this.#options = options;
  }

  /** Copies the image if the challenger is to classify it too: the champion's job takes its bytes. */
  choose(image: ArrivedImage<VehicleImageHeader>, options: VehicleOptions): ShadowImage | undefined {
    const { share, random = Math.random } = this.#options;
    if (this.#isBusy || random() >= share || !this.#mayRun()) return undefined;
    this.#isBusy = true;
    const copy = { ...image, bytes: image.bytes.slice() };
    const drop = () => {
      this.#isBusy = false;
    };
    return {
      compareWith: (champion) => void this.#run(copy, options, champion).finally(drop),
      drop,
    };
  }

  /** Whether no job waits and a thread is free; counts a run as skipped where not. */
  #mayRun(): boolean {
    const { pool, metrics } = this.#options;
    const { queued, running, threads } = pool.status;
    if (queued === 0 && running < threads) return true;
    metrics.shadowRun('skipped');
    return false;
  }

  async #run(
    image: ArrivedImage<VehicleImageHeader>,
    options: VehicleOptions,
    champion: ObservedClassification,
  ): Promise<void> {
    const { pool, metrics, logger, timeoutMs } = this.#options;
    if (!this.#mayRun()) return;
    const { task, cost } = classifyJob(image, { ...options, explained: false });
    try {
      const result = await pool.run({ ...task, model: 'challenger' }, cost, {
        signal: AbortSignal.timeout(timeoutMs),
        client: CLIENT,
      });
      const challenger: ObservedClassification = JSON.parse(new TextDecoder().decode(result.payload));
      metrics.shadowRun('completed');
      metrics.compared(champion, challenger);
    } catch (error) {
      metrics.shadowRun('failed');
      logger.warn({ err: error }, 'the challenger failed');
    }
  }
}
