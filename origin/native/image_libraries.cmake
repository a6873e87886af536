# Defines the target edgesift_image_libraries: what image files are decoded with.
add_library(edgesift_image_libraries INTERFACE)

find_package(JPEG)
if(NOT JPEG_FOUND)
  message(FATAL_ERROR "libjpeg-turbo was not found: install it with 'apt-get install libjpeg62-turbo-dev' or 'brew install jpeg-turbo'")
endif()
target_link_libraries(edgesift_image_libraries INTERFACE JPEG::JPEG)

# Error handlers of one open file, instead of the process's, are there from 4.5 on.
find_package(TIFF 4.5)
if(NOT TIFF_FOUND)
  message(FATAL_ERROR "libtiff 4.5 or newer was not found: install it with 'apt-get install libtiff-dev' or 'brew install libtiff'")
endif()
target_link_libraries(edgesift_image_libraries INTERFACE TIFF::TIFF)

# Comes with libtiff's development files.
find_package(ZLIB)
if(NOT ZLIB_FOUND)
  message(FATAL_ERROR "zlib was not found: install it with 'apt-get install zlib1g-dev'")
endif()
target_link_libraries(edgesift_image_libraries INTERFACE ZLIB::ZLIB)
