/** One JSON document in each line. */
export const NDJSON = 'application/x-ndjson';
