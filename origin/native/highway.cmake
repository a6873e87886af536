# Defines the target edgesift_highway: Google's Highway, vector code that picks the processor's best instruction set at
# run time.
find_path(HIGHWAY_INCLUDE_DIR hwy/highway.h)
find_library(HIGHWAY_LIBRARY hwy)
if(NOT HIGHWAY_INCLUDE_DIR OR NOT HIGHWAY_LIBRARY)
  message(FATAL_ERROR "Highway was not found: install it with 'apt-get install libhwy-dev' or 'brew install highway'")
endif()
add_library(edgesift_highway INTERFACE)
target_include_directories(edgesift_highway SYSTEM INTERFACE "${HIGHWAY_INCLUDE_DIR}")
target_link_libraries(edgesift_highway INTERFACE "${HIGHWAY_LIBRARY}")
