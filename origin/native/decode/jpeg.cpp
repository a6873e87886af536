#include "decode/jpeg.h"

// jpeglib.h needs size_t and FILE.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#ifndef LIBJPEG_TURBO_VERSION
#error "libjpeg-turbo is needed: other libraries of that interface give other pixels"
#endif

#include <algorithm>
#include <csetjmp>
#include <new>
#include <string>
#include <vector>

#include "decode/orientation.h"
#include "grey.h"

namespace edgesift::addon {

namespace {

/// As many as libjpeg's own encoder program writes; photographs have 1 to about 12. Each scan of a progressive JPEG
/// goes over all coefficients, however few bytes it has: 2 MB can ask for 2,600 passes over 50 Mpx.
constexpr int kMostScans = 100;

/// Libraries report more codes than these; 0 is none of theirs.
constexpr int kTooManyScans = -1;
constexpr int kCancelled = -2;

/// The image data of EXIF begins behind "Exif" and two zeros, which OpenCV does not look at.
constexpr unsigned kExifPrefix = 6;

struct ErrorManager {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is one to the whole
  std::jmp_buf exit;
  int code;
  bool endedEarly;
  Cancellation cancellation;
  char message[JMSG_LENGTH_MAX];
};

ErrorManager& managerOf(j_common_ptr codec) { return *reinterpret_cast<ErrorManager*>(codec->err); }

[[noreturn]] void giveUp(j_common_ptr codec, int code) {
  ErrorManager& errors = managerOf(codec);
  errors.code = code;
  std::longjmp(errors.exit, 1);
}

[[noreturn]] void onError(j_common_ptr codec) {
  ErrorManager& errors = managerOf(codec);
  errors.base.format_message(codec, errors.message);
  giveUp(codec, errors.base.msg_code);
}

/// Warnings (level -1) that say nothing of the pixels are passed over, all others are errors.
void onMessage(j_common_ptr codec, int level) {
  if (level >= 0) return;
  ErrorManager& errors = managerOf(codec);
  switch (errors.base.msg_code) {
    case JWRN_JPEG_EOF:
      errors.endedEarly = true;
      return;
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_ICC:
      return;
    default:
      onError(codec);
  }
}

void printNothing(j_common_ptr) {}

/// libjpeg calls this for every row of blocks.
void onProgress(j_common_ptr codec) {
  if (managerOf(codec).cancellation.isRequested()) giveUp(codec, kCancelled);
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number > kMostScans) giveUp(codec, kTooManyScans);
}

/// One JPEG being decoded. libjpeg leaves by longjmp: its calls stand in the functions that `guarded` runs, in whose
/// frames nothing has a destructor.
class JpegSession {
 public:
  JpegSession(const EncodedImage& file, const DecodeRequest& request, std::uint8_t* target)
      : file_(file), request_(request), target_(target) {
    codec_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = onError;
    errors_.base.emit_message = onMessage;
    errors_.base.output_message = printNothing;
    progress_.progress_monitor = onProgress;
    errors_.cancellation = request.cancellation;
  }
  JpegSession(const JpegSession&) = delete;
  JpegSession& operator=(const JpegSession&) = delete;
  ~JpegSession() { jpeg_destroy_decompress(&codec_); }

  int decode() {
    run(readHeader);
    if (codec_.image_width != static_cast<JDIMENSION>(request_.width) ||
        codec_.image_height != static_cast<JDIMENSION>(request_.height)) {
      throw DamagedImage("libjpeg finds another size than the header reader");
    }
    const int orientation = request_.applyOrientation ? storedOrientation() : kUpright;
    chooseColours();
    run(start);
    refuseIncomplete();
    const OrientedRows rows(target_, request_.width, request_.height, request_.channels, orientation);
    const auto width = static_cast<std::size_t>(request_.width);
    samples_.resize(width * static_cast<std::size_t>(codec_.output_components));
    converted_.resize(width * 3);
    rows_ = &rows;
    run(readRows);
    if (codec_.arith_code && errors_.endedEarly) {
      // Arithmetic decoding takes zeros for missing data, without a word.
      throw DamagedImage("arithmetic-coded data ends early");
    }
    return orientation;
  }

 private:
  using Step = void (*)(JpegSession&);

  void run(Step step) {
    if (!guarded(*this, step)) throwError();
  }

  static bool guarded(JpegSession& session, Step step) {
    if (setjmp(session.errors_.exit) != 0) return false;
    step(session);
    return true;
  }

  static void readHeader(JpegSession& session) {
    j_decompress_ptr codec = &session.codec_;
    jpeg_create_decompress(codec);
    codec->progress = &session.progress_;
    jpeg_mem_src(codec, session.file_.bytes, session.file_.size);
    jpeg_save_markers(codec, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(codec, TRUE);
  }

  static void start(JpegSession& session) { jpeg_start_decompress(&session.codec_); }

  static void readRows(JpegSession& session) {
    j_decompress_ptr codec = &session.codec_;
    while (codec->output_scanline < codec->output_height) {
      const int y = static_cast<int>(codec->output_scanline);
      JSAMPROW row = session.samples_.data();
      const bool asStored = codec->output_components == session.request_.channels;
      std::uint8_t* direct = session.rows_->directRow(y);
      if (asStored && direct != nullptr) row = direct;
      jpeg_read_scanlines(codec, &row, 1);
      if (row != direct) session.convertRow(y, direct);
    }
  }

  void chooseColours() {
    if (codec_.num_components == 4) {
      codec_.out_color_space = JCS_CMYK;
    } else if (codec_.num_components == 1 && request_.channels == 1) {
      codec_.out_color_space = JCS_GRAYSCALE;
    } else {
      codec_.out_color_space = JCS_RGB;
    }
  }

  /// OpenCV 4.6 takes the first APP1 segment for EXIF data, with any content.
  int storedOrientation() const {
    for (jpeg_saved_marker_ptr marker = codec_.marker_list; marker != nullptr; marker = marker->next) {
      if (marker->marker != JPEG_APP0 + 1) continue;
      if (marker->data_length <= kExifPrefix) return kUpright;
      return exifOrientation(marker->data + kExifPrefix, marker->data_length - kExifPrefix);
    }
    return kUpright;
  }

  /// A component of which a scan is missing would be grey, or smoothed differently by every version of libjpeg.
  void refuseIncomplete() const {
    for (int component = 0; component < codec_.num_components; ++component) {
      if (codec_.coef_bits != nullptr) {
        const int* bits = codec_.coef_bits[component];
        if (std::any_of(bits, bits + DCTSIZE2, [](int missing) { return missing != 0; })) {
          throw DamagedImage("a progressive JPEG lacks scans");
        }
      } else if (codec_.comp_info[component].quant_table == nullptr) {
        throw DamagedImage("a component has no scan");
      }
    }
  }

  void convertRow(int y, std::uint8_t* direct) {
    const std::uint8_t* row = samples_.data();
    if (codec_.output_components == 4) {
      inkToRgb(row);
      row = converted_.data();
    }
    if (request_.channels == 1 && codec_.output_components != 1) {
      std::uint8_t* grey = direct != nullptr ? direct : converted_.data();
      writeGrey({row, request_.width, 1, 3}, grey);
      if (grey == direct) return;
      row = grey;
    }
    rows_->put(y, row);
  }

  /// OpenCV's CMYK2BGR, which takes every CMYK JPEG for inverted: k - (255 - c) * k / 256.
  void inkToRgb(const std::uint8_t* ink) {
    std::uint8_t* rgb = converted_.data();
    for (int x = 0; x < request_.width; ++x, ink += 4, rgb += 3) {
      const int k = ink[3];
      for (int channel = 0; channel < 3; ++channel) {
        rgb[channel] = static_cast<std::uint8_t>(k - ((255 - ink[channel]) * k >> 8));
      }
    }
  }

  [[noreturn]] void throwError() const {
    switch (errors_.code) {
      case kTooManyScans:
        throw UnsupportedImage("with more than " + std::to_string(kMostScans) + " scans");
      case kCancelled:
        throw Cancelled();
      case JERR_SOF_UNSUPPORTED:
        throw UnsupportedImage("of lossless or hierarchical coding");
      case JERR_BAD_PRECISION:
        throw UnsupportedImage("with " + std::to_string(codec_.data_precision) + "-bit samples");
      case JERR_ARITH_NOTIMPL:
        throw UnsupportedImage("of arithmetic coding");
      case JERR_CONVERSION_NOTIMPL:
        throw UnsupportedImage("of " + std::to_string(codec_.num_components) + " colour components");
      case JERR_OUT_OF_MEMORY:
        throw std::bad_alloc();
      default:
        throw DamagedImage(errors_.message);
    }
  }

  EncodedImage file_;
  DecodeRequest request_;
  std::uint8_t* target_;
  jpeg_decompress_struct codec_{};
  ErrorManager errors_{};
  jpeg_progress_mgr progress_{};
  std::vector<std::uint8_t> samples_;
  std::vector<std::uint8_t> converted_;
  const OrientedRows* rows_ = nullptr;
};

}  // namespace

int decodeJpeg(const EncodedImage& file, const DecodeRequest& request, std::uint8_t* target) {
  return JpegSession(file, request, target).decode();
}

}  // namespace edgesift::addon
