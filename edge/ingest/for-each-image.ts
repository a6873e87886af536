/** Images of one request that are worked on, or whose line waits for its client to read it, at the same time. */
const IMAGES_AT_ONCE = 4;

/**
 * Calls `work` for every image of a request, for a few of them at a time.
 *
 * @throws what the first failing `work` throws, while others may be running
 */
export async function forEachImage<Image>(
  images: Iterable<Image>,
  work: (image: Image) => Promise<void>,
): Promise<void> {
  // One iterator for all loops: each continues with the next image that no loop has begun.
  const remaining = [...images].values();
  const loop = async () => {
    for (const image of remaining) await work(image);
  };
  await Promise.all(Array.from({ length: IMAGES_AT_ONCE }, loop));
}
