#pragma once

#include <cstdint>

#include "decode/decoding.h"

namespace edgesift::addon {

/// Decodes a JPEG by libjpeg-turbo to the pixels of cv2.imread of OpenCV 4.6, row by row.
///
/// Bytes between segments and a missing end-of-image marker are passed over, as OpenCV and browsers do; damaged or
/// missing image data is refused.
///
/// @param target width * height * channels bytes of the request
/// @return the orientation that was applied, 1 to 8; from 5 on the decoded image is height * width
/// @throws DamagedImage, UnsupportedImage, Cancelled
int decodeJpeg(const EncodedImage& file, const DecodeRequest& request, std::uint8_t* target);

}  // namespace edgesift::addon
