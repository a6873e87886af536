/** The part of autocannon's interface that the load test uses; it brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  namespace autocannon {
    interface Request {
      method: 'GET' | 'POST';
      path: string;
      headers: Record<string, string>;
      body?: Uint8Array;
    }

    interface RequestOptions extends Request {
      /** Gives each request as it is to be sent. */
      setupRequest?: (request: Request) => Request;
      onResponse?: (status: number, body: string, context: object, headers: Record<string, string>) => void;
    }

    interface Options {
      url: string;
      connections: number;
      /** Seconds. */
      duration: number;
      /** Seconds until a request counts as timed out. */
      timeout: number;
      requests: RequestOptions[];
    }

    interface Result {
      errors: number;
      timeouts: number;
      /** Seconds. */
      duration: number;
    }

    interface Instance extends EventEmitter, PromiseLike<Result> {
      on(
        event: 'response',
        listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
      ): this;
    }

    interface TrackOptions {
      renderProgressBar: boolean;
      renderResultsTable: boolean;
      progressBarString: string;
    }

    function track(instance: Instance, options: TrackOptions): void;
  }

  function autocannon(options: autocannon.Options): autocannon.Instance;
  export = autocannon;
}
