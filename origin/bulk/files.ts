import { inside, type ObjectLocation } from '../storage/location.ts';

/** Where the files of a job are: beside its results, so that the output is complete by itself. */
export class JobFiles {
  readonly folder: ObjectLocation;

  constructor(output: ObjectLocation, jobId: string) {
    this.folder = inside(output, `${FILES}/${jobId}/`);
  }

  /** The request; written first, never changed. */
  get request(): ObjectLocation {
    return inside(this.folder, 'job.json');
  }

  /** How many images and shards there are. It exists from the moment when all shards do. */
  get plan(): ObjectLocation {
    return inside(this.folder, 'plan.json');
  }

  /** It exists when the job was cancelled. */
  get cancelled(): ObjectLocation {
    return inside(this.folder, 'cancelled.json');
  }

  /** The shard reports, as S3 Batch Operations lists its own. */
  get report(): ObjectLocation {
    return inside(this.folder, 'report.json');
  }

  /** The job as it ended. */
  get summary(): ObjectLocation {
    return inside(this.folder, 'summary.json');
  }

  get reports(): ObjectLocation {
    return inside(this.folder, 'reports/');
  }

  /** Its images. */
  shard(number: number): ObjectLocation {
    return inside(this.folder, `shards/${padded(number)}.ndjson`);
  }

  /** What became of them. It exists when the shard is done. */
  shardReport(number: number): ObjectLocation {
    return inside(this.folder, `reports/${padded(number)}.csv`);
  }

  /** Images that may have ended a worker. */
  suspects(number: number): ObjectLocation {
    return inside(this.folder, `suspects/${padded(number)}.json`);
  }
}

/** Nothing in a folder of this name is ever taken for an image. */
export const FILES = '_edgesift';

const DIGITS = 8;

function padded(number: number): string {
  return String(number).padStart(DIGITS, '0');
}

/** The shard of a report, by its key; undefined for anything else that lies there. */
export function shardOfReport(key: string): number | undefined {
  const digits = /\/reports\/(\d{8})\.csv$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
