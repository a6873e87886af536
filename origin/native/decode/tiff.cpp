#include "decode/tiff.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "decode/deflate.h"
#include "decode/orientation.h"
#include "decode/tiff_file.h"
#include "grey.h"

namespace edgesift::addon {

namespace {

/// Beside what the image itself takes: small images may have a tile that is larger than they are.
constexpr tmsize_t kMostTileBytes = tmsize_t{1} << 26;

/// Decoded bytes between two looks at the cancellation: a few milliseconds.
constexpr std::size_t kBytesBetweenChecks = std::size_t{1} << 20;

constexpr int kRowsBetweenChecks = 64;

struct Compression {
  int code;
  const char* name;
  bool isRead;
};

constexpr Compression kCompressions[] = {
    {COMPRESSION_NONE, "no", true},
    {COMPRESSION_CCITTRLE, "CCITT RLE", true},
    {COMPRESSION_CCITTFAX3, "CCITT G3", true},
    {COMPRESSION_CCITTFAX4, "CCITT G4", true},
    {COMPRESSION_LZW, "LZW", true},
    {COMPRESSION_OJPEG, "old-style JPEG", false},
    {COMPRESSION_JPEG, "JPEG", true},
    {COMPRESSION_ADOBE_DEFLATE, "deflate", true},
    {COMPRESSION_DEFLATE, "deflate", true},
    {COMPRESSION_PACKBITS, "PackBits", true},
    {COMPRESSION_LZMA, "LZMA", false},
    {COMPRESSION_ZSTD, "Zstandard", true},
    {COMPRESSION_WEBP, "WebP", false},
    {COMPRESSION_LERC, "LERC", false},
    {COMPRESSION_JBIG, "JBIG", false},
};

/// What decides how samples become pixels (TIFF 6.0, section 8).
struct Layout {
  int width;
  int height;
  int bits;
  int samples;
  int photometric;
  int compression;
  bool planar;
  bool tiled;
  bool multiplyByAlpha;
  int orientation;

  bool isGrey() const { return photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE; }
  bool isPalette() const { return photometric == PHOTOMETRIC_PALETTE; }
  /// Samples that pixels are made of; those behind them are passed over.
  int usedSamples() const {
    if (isGrey() || isPalette()) return 1;
    return photometric == PHOTOMETRIC_SEPARATED || multiplyByAlpha ? 4 : 3;
  }
};

std::string number(int value) { return std::to_string(value); }

void checkCompression(int code) {
  for (const Compression& known : kCompressions) {
    if (known.code != code) continue;
    if (known.isRead && TIFFIsCODECConfigured(static_cast<std::uint16_t>(code))) return;
    throw UnsupportedImage("with " + std::string(known.name) + " compression");
  }
  throw UnsupportedImage("with compression " + number(code));
}

void checkColours(const Layout& layout, int sampleFormat, int inkSet) {
  const int bits = layout.bits;
  if (sampleFormat != SAMPLEFORMAT_UINT && sampleFormat != SAMPLEFORMAT_VOID) {
    throw UnsupportedImage("with signed or floating-point samples");
  }
  bool depthIsRead = bits == 8;
  int leastSamples = 3;
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      depthIsRead = bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
      leastSamples = 1;
      break;
    case PHOTOMETRIC_PALETTE:
      depthIsRead = bits == 1 || bits == 2 || bits == 4 || bits == 8;
      leastSamples = 1;
      break;
    case PHOTOMETRIC_RGB:
      depthIsRead = bits == 8 || bits == 16;
      break;
    case PHOTOMETRIC_SEPARATED:
      if (inkSet != INKSET_CMYK) throw UnsupportedImage("with other inks than CMYK");
      leastSamples = 4;
      break;
    case PHOTOMETRIC_YCBCR:
      if (layout.compression != COMPRESSION_JPEG) {
        throw UnsupportedImage("of YCbCr colours without JPEG compression");
      }
      if (layout.planar) throw UnsupportedImage("of YCbCr colours in planes");
      if (layout.samples != 3) throw UnsupportedImage("of YCbCr colours with alpha");
      break;
    default:
      throw UnsupportedImage("of photometric interpretation " + number(layout.photometric));
  }
  if (!depthIsRead) throw UnsupportedImage("with " + number(bits) + "-bit samples");
  if (layout.samples > 4) throw UnsupportedImage("with more than four samples per pixel");
  if (layout.samples < leastSamples) throw DamagedImage("TIFF: too few samples per pixel");
  if (bits < 8 && layout.samples > 1) throw UnsupportedImage("with several samples of less than 8 bits");
}

Layout layoutOf(const TiffFile& file, const DecodeRequest& request) {
  TIFF* tiff = file.handle();
  Layout layout{};
  std::uint16_t photometric = 0;
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric) == 0) {
    throw DamagedImage("TIFF: no photometric interpretation");
  }
  const auto width = file.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH);
  const auto height = file.field<std::uint32_t>(TIFFTAG_IMAGELENGTH);
  if (width != static_cast<std::uint32_t>(request.width) || height != static_cast<std::uint32_t>(request.height)) {
    throw DamagedImage("libtiff finds another size than the header reader");
  }
  layout.width = request.width;
  layout.height = request.height;
  layout.bits = file.field<std::uint16_t>(TIFFTAG_BITSPERSAMPLE);
  layout.samples = file.field<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL);
  layout.photometric = photometric;
  layout.compression = file.field<std::uint16_t>(TIFFTAG_COMPRESSION);
  layout.planar = layout.samples > 1 && file.field<std::uint16_t>(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
  layout.tiled = TIFFIsTiled(tiff) != 0;
  layout.orientation = request.applyOrientation ? file.field<std::uint16_t>(TIFFTAG_ORIENTATION) : kUpright;

  std::uint16_t extraSamples = 0;
  const std::uint16_t* meanings = nullptr;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extraSamples, &meanings);
  layout.multiplyByAlpha = photometric == PHOTOMETRIC_RGB && layout.samples == 4 && extraSamples > 0 &&
                           meanings[0] == EXTRASAMPLE_UNASSALPHA;

  checkCompression(layout.compression);
  checkColours(layout, file.field<std::uint16_t>(TIFFTAG_SAMPLEFORMAT), file.field<std::uint16_t>(TIFFTAG_INKSET));
  const bool isJpegLayout = layout.samples == 1 || layout.samples == 3 || photometric == PHOTOMETRIC_SEPARATED;
  if (layout.compression == COMPRESSION_JPEG && (layout.bits != 8 || !isJpegLayout)) {
    throw UnsupportedImage("with JPEG compression of " + number(layout.samples) + " samples of " +
                           number(layout.bits) + " bits");
  }
  if ((layout.compression == COMPRESSION_DEFLATE || layout.compression == COMPRESSION_ADOBE_DEFLATE) &&
      file.field<std::uint16_t>(TIFFTAG_FILLORDER) != FILLORDER_MSB2LSB) {
    throw UnsupportedImage("with deflate compression of reversed bits");
  }
  // Before a strip is measured: libtiff decodes luma and chroma to R, G, B, as it does for OpenCV.
  if (layout.photometric == PHOTOMETRIC_YCBCR) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  return layout;
}

/// Rows of samples, decoded strip by strip or tile row by tile row into one buffer that all planes share.
class SampleRows {
 public:
  SampleRows(TiffFile& file, const Layout& layout, const Cancellation& cancellation)
      : file_(file), layout_(layout), cancellation_(cancellation) {
    TIFF* tiff = file.handle();
    planes_ = layout.planar ? layout.samples : 1;
    samplesPerPlane_ = layout.planar ? 1 : layout.samples;
    rowBytes_ = bytesOf(layout.width);
    if (layout.tiled) {
      tileWidth_ = sideOf(file.field<std::uint32_t>(TIFFTAG_TILEWIDTH));
      bandRows_ = sideOf(file.field<std::uint32_t>(TIFFTAG_TILELENGTH));
      if (tileWidth_ * layout.bits % 8 != 0) throw UnsupportedImage("with tiles that end within a byte");
      tileRowBytes_ = bytesOf(tileWidth_);
      const tmsize_t tileBytes = TIFFTileSize(tiff);
      checkPartSize(tileBytes, tileRowBytes_ * static_cast<std::size_t>(bandRows_));
      if (tileBytes > kMostTileBytes && static_cast<std::size_t>(tileBytes) > imageBytes()) {
        throw UnsupportedImage("with tiles larger than the image");
      }
      tile_.resize(static_cast<std::size_t>(tileBytes));
    } else {
      const auto rowsPerStrip = file.field<std::uint32_t>(TIFFTAG_ROWSPERSTRIP);
      bandRows_ = static_cast<int>(std::min<std::uint32_t>(rowsPerStrip, static_cast<std::uint32_t>(layout.height)));
      if (bandRows_ < 1) throw DamagedImage("TIFF: no rows per strip");
      checkPartSize(TIFFStripSize(tiff), rowBytes_ * static_cast<std::size_t>(bandRows_));
    }
    const int rows = std::min(bandRows_, layout.height);
    planeBytes_ = rowBytes_ * static_cast<std::size_t>(rows);
    band_.resize(planeBytes_ * static_cast<std::size_t>(planes_));
  }

  int bandRows() const { return bandRows_; }

  /// Decodes the rows from `top` on, a multiple of bandRows(); those behind the last one are not there.
  /// Throws Cancelled.
  void readBand(int top) {
    for (int plane = 0; plane < planes_; ++plane) {
      std::uint8_t* target = band_.data() + static_cast<std::size_t>(plane) * planeBytes_;
      if (layout_.tiled) {
        readTiles(top, plane, target);
      } else {
        readStrip(top, plane, target);
      }
    }
  }

  /// Row `row` of the band, of the plane that holds `sample`.
  const std::uint8_t* row(int row, int sample) const {
    const int plane = layout_.planar ? sample : 0;
    return band_.data() + static_cast<std::size_t>(plane) * planeBytes_ + static_cast<std::size_t>(row) * rowBytes_;
  }

 private:
  static int sideOf(std::uint32_t side) {
    if (side < 1 || side > (1U << 20)) throw DamagedImage("TIFF: a tile has no size");
    return static_cast<int>(side);
  }

  std::size_t bytesOf(int columns) const {
    return (static_cast<std::size_t>(columns) * static_cast<std::size_t>(samplesPerPlane_ * layout_.bits) + 7) / 8;
  }

  std::size_t imageBytes() const { return rowBytes_ * static_cast<std::size_t>(layout_.height); }

  static void checkPartSize(tmsize_t size, std::size_t expected) {
    if (size <= 0 || static_cast<std::size_t>(size) != expected) throw DamagedImage("TIFF: strips of another size");
  }

  int rowsAt(int top) const { return std::min(bandRows_, layout_.height - top); }

  void check(tmsize_t decoded, std::size_t expected) const {
    if (decoded >= 0 && static_cast<std::size_t>(decoded) == expected && file_.imageDataIsSound()) return;
    throw DamagedImage("TIFF: " + file_.complaint());
  }

  void checkDeflated(std::uint32_t part, std::size_t mostBytes) const {
    if (layout_.compression != COMPRESSION_DEFLATE && layout_.compression != COMPRESSION_ADOBE_DEFLATE) return;
    const EncodedImage stream = file_.part(part);
    if (!isSoundDeflateStream(stream.bytes, stream.size, mostBytes, cancellation_)) {
      throw DamagedImage("TIFF: a damaged zlib stream");
    }
  }

  void readStrip(int top, int plane, std::uint8_t* target) {
    const std::size_t expected = rowBytes_ * static_cast<std::size_t>(rowsAt(top));
    const std::uint32_t strip = TIFFComputeStrip(file_.handle(), static_cast<std::uint32_t>(top),
                                                 static_cast<std::uint16_t>(plane));
    // Some programs fill up the last strip with rows that the image does not have.
    checkDeflated(strip, rowBytes_ * static_cast<std::size_t>(bandRows_));
    if (expected > kBytesBetweenChecks && decodesByRows()) {
      readStripByRows(top, plane, target);
    } else {
      cancellation_.throwIfRequested();
      check(TIFFReadEncodedStrip(file_.handle(), strip, target, static_cast<tmsize_t>(expected)), expected);
    }
  }

  /// Runs of PackBits may go on in the next row, which libtiff takes for damage when it decodes row by row.
  bool decodesByRows() const {
    return layout_.compression != COMPRESSION_NONE && layout_.compression != COMPRESSION_PACKBITS;
  }

  void readStripByRows(int top, int plane, std::uint8_t* target) {
    std::size_t sinceCheck = kBytesBetweenChecks;
    for (int row = 0; row < rowsAt(top); ++row, target += rowBytes_, sinceCheck += rowBytes_) {
      if (sinceCheck >= kBytesBetweenChecks) {
        cancellation_.throwIfRequested();
        sinceCheck = 0;
      }
      const int state = TIFFReadScanline(file_.handle(), target, static_cast<std::uint32_t>(top + row),
                                         static_cast<std::uint16_t>(plane));
      check(state == 1 ? static_cast<tmsize_t>(rowBytes_) : -1, rowBytes_);
    }
  }

  void readTiles(int top, int plane, std::uint8_t* target) {
    for (int left = 0; left < layout_.width; left += tileWidth_) {
      const std::uint32_t index =
          TIFFComputeTile(file_.handle(), static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(top), 0,
                          static_cast<std::uint16_t>(plane));
      cancellation_.throwIfRequested();
      checkDeflated(index, tile_.size());
      check(TIFFReadEncodedTile(file_.handle(), index, tile_.data(), static_cast<tmsize_t>(tile_.size())),
            tile_.size());
      const std::size_t start = bytesOf(left);
      const std::size_t count = std::min(tileRowBytes_, rowBytes_ - start);
      for (int row = 0; row < rowsAt(top); ++row) {
        const auto at = static_cast<std::size_t>(row);
        std::copy_n(tile_.data() + at * tileRowBytes_, count, target + at * rowBytes_ + start);
      }
    }
  }

  TiffFile& file_;
  const Layout& layout_;
  Cancellation cancellation_;
  int planes_;
  int samplesPerPlane_;
  int bandRows_;
  int tileWidth_ = 0;
  std::size_t rowBytes_;
  std::size_t tileRowBytes_ = 0;
  std::size_t planeBytes_;
  std::vector<std::uint8_t> band_;
  std::vector<std::uint8_t> tile_;
};

/// libtiff's rounding of 16-bit colours; grey keeps its high byte.
std::uint8_t nearestByte(unsigned value) { return static_cast<std::uint8_t>((value + 128) / 257); }

/// Turns one row of samples into grey or R, G, B, by the arithmetic of libtiff's RGBA interface.
class RowConverter {
 public:
  RowConverter(const TiffFile& file, const Layout& layout) : layout_(layout) {
    if (layout.isGrey()) {
      makeGreyTable();
    } else if (layout.isPalette()) {
      readPalette(file.handle());
    }
  }

  bool givesGrey() const { return layout_.isGrey(); }

  void convert(const SampleRows& rows, int row, std::uint8_t* target) const {
    const int step = layout_.planar ? 1 : layout_.samples;
    const std::uint8_t* sample[4] = {};
    const int bytes = layout_.bits == 16 ? 2 : 1;
    for (int i = 0; i < layout_.usedSamples(); ++i) {
      sample[i] = rows.row(row, i) + (layout_.planar ? 0 : i * bytes);
    }
    if (layout_.isGrey()) {
      greyRow(sample[0], step, target);
    } else if (layout_.isPalette()) {
      paletteRow(sample[0], step, target);
    } else if (layout_.photometric == PHOTOMETRIC_SEPARATED) {
      inkRow(sample, step, target);
    } else if (layout_.bits == 16) {
      wordRow(sample, step, target);
    } else {
      colourRow(sample, step, target);
    }
  }

 private:
  void makeGreyTable() {
    const int range = layout_.bits >= 8 ? 255 : (1 << layout_.bits) - 1;
    for (int value = 0; value <= range; ++value) {
      const int light = layout_.photometric == PHOTOMETRIC_MINISWHITE ? range - value : value;
      grey_[value] = static_cast<std::uint8_t>(light * 255 / range);
    }
  }

  /// Values of 16 bits, unless all are bytes, as old programs wrote them.
  void readPalette(TIFF* tiff) {
    std::uint16_t* channels[3] = {};
    if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]) == 0) {
      throw DamagedImage("TIFF: no colour map");
    }
    const int colours = 1 << layout_.bits;
    bool areBytes = true;
    for (const std::uint16_t* channel : channels) {
      areBytes = areBytes && std::all_of(channel, channel + colours, [](unsigned value) { return value < 256; });
    }
    for (int colour = 0; colour < colours; ++colour) {
      for (int channel = 0; channel < 3; ++channel) {
        const unsigned value = channels[channel][colour];
        palette_[colour][channel] = static_cast<std::uint8_t>(areBytes ? value : value * 255 / 65535);
      }
    }
  }

  /// Sample `x` of a row of single samples of 1, 2, 4 or 8 bits.
  int packed(const std::uint8_t* row, int x, int step) const {
    if (layout_.bits == 8) return row[static_cast<std::size_t>(x) * static_cast<std::size_t>(step)];
    const int perByte = 8 / layout_.bits;
    const int shift = 8 - layout_.bits * (x % perByte + 1);
    return row[x / perByte] >> shift & ((1 << layout_.bits) - 1);
  }

  static unsigned word(const std::uint8_t* sample) {
    // libtiff has put it into the machine's byte order.
    return *reinterpret_cast<const std::uint16_t*>(sample);
  }

  void greyRow(const std::uint8_t* row, int step, std::uint8_t* target) const {
    for (int x = 0; x < layout_.width; ++x) {
      const auto at = 2 * static_cast<std::ptrdiff_t>(x) * step;
      const int value = layout_.bits == 16 ? static_cast<int>(word(row + at) >> 8) : packed(row, x, step);
      target[x] = grey_[value];
    }
  }

  void paletteRow(const std::uint8_t* row, int step, std::uint8_t* target) const {
    for (int x = 0; x < layout_.width; ++x, target += 3) std::copy_n(palette_[packed(row, x, step)], 3, target);
  }

  void inkRow(const std::uint8_t* const* ink, int step, std::uint8_t* target) const {
    for (std::ptrdiff_t x = 0; x < layout_.width; ++x, target += 3) {
      const int light = 255 - ink[3][x * step];
      for (int channel = 0; channel < 3; ++channel) {
        target[channel] = static_cast<std::uint8_t>((255 - ink[channel][x * step]) * light / 255);
      }
    }
  }

  static std::uint8_t timesAlpha(int value, int alpha) {
    return static_cast<std::uint8_t>((value * alpha + 127) / 255);
  }

  void colourRow(const std::uint8_t* const* sample, int step, std::uint8_t* target) const {
    for (std::ptrdiff_t x = 0; x < layout_.width; ++x, target += 3) {
      for (int channel = 0; channel < 3; ++channel) {
        const std::uint8_t value = sample[channel][x * step];
        target[channel] = layout_.multiplyByAlpha ? timesAlpha(value, sample[3][x * step]) : value;
      }
    }
  }

  void wordRow(const std::uint8_t* const* sample, int step, std::uint8_t* target) const {
    for (std::ptrdiff_t x = 0; x < layout_.width; ++x, target += 3) {
      const std::ptrdiff_t at = 2 * x * step;
      for (int channel = 0; channel < 3; ++channel) {
        const std::uint8_t value = nearestByte(word(sample[channel] + at));
        target[channel] = layout_.multiplyByAlpha ? timesAlpha(value, nearestByte(word(sample[3] + at))) : value;
      }
    }
  }

  const Layout& layout_;
  std::uint8_t grey_[256] = {};
  std::uint8_t palette_[256][3] = {};
};

}  // namespace

int decodeTiff(const EncodedImage& encoded, const DecodeRequest& request, std::uint8_t* target) {
  TiffFile file(encoded);
  const Layout layout = layoutOf(file, request);
  const RowConverter converter(file, layout);
  SampleRows samples(file, layout, request.cancellation);
  const OrientedRows rows(target, layout.width, layout.height, request.channels, layout.orientation);
  const auto width = static_cast<std::size_t>(layout.width);
  std::vector<std::uint8_t> converted(width * (converter.givesGrey() ? 1 : 3));
  std::vector<std::uint8_t> adapted(width * static_cast<std::size_t>(request.channels));
  file.beginImageData();
  for (int top = 0; top < layout.height; top += samples.bandRows()) {
    samples.readBand(top);
    const int bandEnd = std::min(samples.bandRows(), layout.height - top);
    for (int row = 0; row < bandEnd; ++row) {
      if (row % kRowsBetweenChecks == 0) request.cancellation.throwIfRequested();
      converter.convert(samples, row, converted.data());
      const std::uint8_t* pixels = converted.data();
      if (request.channels == 1 && !converter.givesGrey()) {
        writeGrey({pixels, layout.width, 1, 3}, adapted.data());
        pixels = adapted.data();
      } else if (request.channels == 3 && converter.givesGrey()) {
        for (std::size_t x = 0; x < width; ++x) std::fill_n(adapted.data() + 3 * x, 3, pixels[x]);
        pixels = adapted.data();
      }
      rows.put(top + row, pixels);
    }
  }
  return layout.orientation;
}

}  // namespace edgesift::addon
