/**
 * Works on items side by side and yields each result as soon as it is there, in no particular order.
 *
 * @param limit most items that are begun and not yet yielded; the next begins when a result is taken
 */
export async function* inParallel<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): AsyncGenerator<Result> {
  const running = new Set<Promise<Settled<Result>>>();
  let index = 0;
  const takeNext = async () => {
    const settled = await Promise.race(running);
    running.delete(settled.own);
    if ('error' in settled) throw settled.error;
    return settled.result;
  };
  for await (const item of items) {
    const own: Promise<Settled<Result>> = work(item, index).then(
      (result) => ({ own, result }),
      (error: unknown) => ({ own, error }),
    );
    index += 1;
    running.add(own);
    if (running.size >= limit) yield await takeNext();
  }
  while (running.size > 0) yield await takeNext();
}

/** How a piece of work ended, and the promise that reports it. */
type Settled<Result> = { own: Promise<Settled<Result>> } & ({ result: Result } | { error: unknown });

/** Cuts a sequence into arrays of `length` items; the last one may be shorter. */
export async function* inGroups<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  length: number,
): AsyncGenerator<Item[]> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < length) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
