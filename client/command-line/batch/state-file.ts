import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { isRecord, parseJson } from '../../../shared/features/safetensors.ts';
import { UsageError } from '../exit.ts';

/** What became of one image. The lines of a state file and of a report are these. */
export interface ImageOutcome {
  name: string;
  status: 'computed' | 'cached' | 'failed';
  /** Of the file when it was read, to notice that it has changed since. */
  size?: number;
  modified_ms?: number;
  sha256?: string;
  keypoints?: number;
  output?: string;
  error_code?: string;
  message?: string;
  request_id?: string;
}

const FORMAT = 'edgesift.batch/1';

/**
 * The memory of a batch: a line of JSON for each image as it is done, after a first line that says what the batch
 * makes. A killed run loses at most the line that it was writing.
 */
export class StateFile {
  readonly #outcomes: Map<string, ImageOutcome>;
  readonly #descriptor: number;

  private constructor(descriptor: number, outcomes: Map<string, ImageOutcome>) {
    this.#descriptor = descriptor;
    this.#outcomes = outcomes;
  }

  /**
   * @param recipe what the batch makes of each image: a state that was made with another one is of no use
   * @param restart forgets what the file holds
   * @throws UsageError for a state of another recipe, and for a file that is no state
   */
  static open(file: string, recipe: Readonly<Record<string, unknown>>, restart: boolean): StateFile {
    mkdirSync(path.dirname(file), { recursive: true });
    const head = JSON.stringify({ state: FORMAT, ...recipe });
    const text = restart ? '' : readIfPresent(file);
    const end = text.lastIndexOf('\n') + 1;
    const [first, ...lines] = text.slice(0, end).split('\n');
    if (end > 0 && first !== head) {
      const isOurs = first?.includes(FORMAT) ?? false;
      throw new UsageError(
        isOurs
          ? `${file} is of a run with other options: repeat those, choose another --out or --state, or --restart.`
          : `${file} is not the state of a batch.`,
      );
    }
    const descriptor = openSync(file, 'a');
    truncateSync(file, Buffer.byteLength(text.slice(0, end)));
    if (end === 0) writeSync(descriptor, `${head}\n`);
    const outcomes = lines.map((line) => parseJson(line)).filter(isOutcome);
    return new StateFile(descriptor, new Map(outcomes.map((outcome) => [outcome.name, outcome])));
  }

  find(name: string): ImageOutcome | undefined {
    return this.#outcomes.get(name);
  }

  /** The line is with the system when this returns: the end of this process does not lose it. */
  add(outcome: ImageOutcome): void {
    this.#outcomes.set(outcome.name, outcome);
    writeSync(this.#descriptor, `${JSON.stringify(outcome)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function readIfPresent(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

function isOutcome(value: unknown): value is ImageOutcome {
  return isRecord(value) && typeof value.name === 'string' && typeof value.status === 'string';
}
