#pragma once

#include <cstdint>

#include "decode/decoding.h"

namespace edgesift::addon {

/// Decodes the first page of a TIFF by libtiff to the pixels of cv2.imread of OpenCV 4.6, strip by strip.
///
/// Only kinds whose pixels are proven are read; every missing, short or damaged strip or tile is an error.
/// Colours with unassociated alpha are multiplied by it, as libtiff's RGBA interface does, which OpenCV uses.
///
/// @param target width * height * channels bytes of the request
/// @return the orientation that was applied, 1 to 8; from 5 on the decoded image is height * width
/// @throws DamagedImage, UnsupportedImage, Cancelled; the last at the latest after a tile, or some megabytes of a strip
int decodeTiff(const EncodedImage& file, const DecodeRequest& request, std::uint8_t* target);

}  // namespace edgesift::addon
