#pragma once

#include "subjects.hpp"

std::unique_ptr<Subject> makeVlfeat();
