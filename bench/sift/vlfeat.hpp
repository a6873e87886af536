#pragma once

#include "implementations.hpp"

std::unique_ptr<Implementation> makeVlfeat();
