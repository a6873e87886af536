import type { ImageDecoders, PixelImage } from '../native/addon.ts';
import type { DecodeOptions } from './decode.ts';
import { damaged, unsupportedKind } from './errors.ts';

/** Runs a decoder of the addon. @throws ServiceError `IMAGE_READ_ERROR` */
export function decodeByAddon(
  decoder: ImageDecoders['decodeJpeg'],
  bytes: Uint8Array,
  { header, orientation, colours, cancelled }: DecodeOptions,
): PixelImage {
  const { format, width, height } = header;
  try {
    const request = {
      width,
      height,
      channels: colours ? 3 : 1,
      applyOrientation: orientation === 'apply',
    } as const;
    return decoder(bytes, request, cancelled);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'DAMAGED_IMAGE') throw damaged(format, thrown);
    if (code === 'UNSUPPORTED_IMAGE' && thrown instanceof Error)
      throw unsupportedKind(format, thrown.message);
    throw thrown;
  }
}
