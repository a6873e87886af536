/** What any platform does with the built client; runs as it is in browsers, Deno and Workers. */
export async function useClient(
  { EdgesiftClient }: typeof import('../../../client/index.ts'),
  url: string,
  image: Uint8Array<ArrayBuffer>,
) {
  const client = new EdgesiftClient({ url });
  const loaded: number[] = [];
  const first = await client.detect(
    new Blob([image], { type: 'image/png' }),
    {},
    { onUploadProgress: (progress) => loaded.push(progress.loaded) },
  );
  const { count, descriptors } = await client.features(image);
  const refused = await client.detect(new Uint8Array(10)).catch((error: { code: string }) => error.code);
  const batch: string[] = [];
  for await (const { index, result, error } of client.batch([image, new Uint8Array(9)])) {
    batch[index] = error?.code ?? (result?.cached ? 'cached' : 'computed');
  }
  const { inliers } = await client.match(image, first.image.sha256);
  const cached = await client.exists([first.image.sha256, '0'.repeat(64)]);
  return {
    first,
    count,
    descriptors: descriptors.length,
    refused,
    batch,
    inliers,
    cached: [...cached],
    loaded: loaded.at(-1),
  };
}

export type ClientUse = Awaited<ReturnType<typeof useClient>>;
