/** Hashes files away from the page, one after the other: `{ id, file }` gives `{ id, hash }`. */
import { hashOfFile } from '../hash-file.ts';

let work: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<{ id: number; file: File }>) => {
  const { id, file } = data;
  work = work.then(async () => {
    // A file that cannot be read fails when it is sent, with a reason.
    const hash = await hashOfFile(file).catch(() => undefined);
    postMessage({ id, hash });
  });
});
