/** The files of the pages, as `build/assets` holds them: every platform has its own way to read them. */
export interface Assets {
  /** The file's content; undefined where there is none of this name. */
  open(name: string): Promise<ReadableStream<Uint8Array> | undefined>;
}
