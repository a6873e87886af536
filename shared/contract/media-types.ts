/** One JSON document in each line. */
export const NDJSON = 'application/x-ndjson';

/** Server-sent events, as browsers read them by `EventSource`. */
export const EVENT_STREAM = 'text/event-stream';
