import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findExecutable } from './executables.ts';
import { reportDone } from './report.ts';
import { SetUpError } from './set-up-error.ts';
import { installSystemPackages } from './system-packages.ts';

export interface OpenCvInstallation {
  /** Folder that holds `opencv2/`. */
  readonly includeDirectory: string;
  /** As in "4.6.0". */
  readonly version: string;
}

const PACKAGES = {
  purpose: 'development files of OpenCV, Highway, libjpeg-turbo and libtiff, CMake and a C++ compiler',
  apt: 'libopencv-features2d-dev libopencv-calib3d-dev libopencv-photo-dev libhwy-dev libjpeg-dev libtiff-dev cmake g++ make',
  dnf: 'opencv-devel highway-devel libjpeg-turbo-devel libtiff-devel cmake gcc-c++ make',
  brew: 'opencv highway jpeg-turbo libtiff cmake',
};

/** What the native build needs from the system. */
export async function ensureOpenCv(): Promise<void> {
  if (missing().length > 0) await installSystemPackages(PACKAGES);
  const stillMissing = missing();
  if (stillMissing.length > 0)
    throw new SetUpError(`still missing after installing: ${stillMissing.join(', ')}`);
  reportDone(`OpenCV ${findOpenCv()?.version}`);
}

function missing(): string[] {
  return [
    findOpenCv() === undefined && 'OpenCV headers (features2d, calib3d, photo)',
    !hasHeader('hwy', 'highway.h') && 'Highway headers',
    !hasHeader('jpeglib.h') && 'libjpeg-turbo headers',
    !hasHeader('tiffio.h') && 'libtiff headers',
    findExecutable('cmake') === undefined && 'cmake',
    findExecutable('c++', 'g++', 'clang++') === undefined && 'a C++ compiler',
    findExecutable('make', 'ninja') === undefined && 'make',
  ].filter((name) => name !== false);
}

/** Looks where distributions, Homebrew and `make install` put the headers; Debian has no pkg-config file for it. */
export function findOpenCv(): OpenCvInstallation | undefined {
  for (const includeDirectory of candidateDirectories()) {
    const version = installedVersion(path.join(includeDirectory, 'opencv2'));
    if (version !== undefined) return { includeDirectory, version };
  }
  return undefined;
}

function hasHeader(...name: string[]): boolean {
  return includeFolders()
    .flatMap((include) => [include, ...multiArchitecture(include)])
    .some((include) => existsSync(path.join(include, ...name)));
}

function includeFolders(): string[] {
  const prefixes = [
    ...(process.env.CMAKE_PREFIX_PATH ?? '').split(':'),
    '/usr/local',
    '/opt/homebrew',
    '/usr',
  ];
  return prefixes.filter((prefix) => prefix !== '').map((prefix) => path.join(prefix, 'include'));
}

function candidateDirectories(): string[] {
  return includeFolders().flatMap((include) => [
    ...openCvFolders(include),
    ...multiArchitecture(include).flatMap(openCvFolders),
  ]);
}

/** `opencv4`, `opencv5`, newest first, or the folder itself, as OpenCV 3 and some ports have it. */
function openCvFolders(include: string): string[] {
  const versioned = subfolders(include).filter((name) => /^opencv\d+$/.test(name));
  return [
    ...versioned
      .toSorted()
      .toReversed()
      .map((name) => path.join(include, name)),
    include,
  ];
}

/** `/usr/include/x86_64-linux-gnu` and the like. */
function multiArchitecture(include: string): string[] {
  return subfolders(include)
    .filter((name) => /-linux-gnu/.test(name))
    .map((name) => path.join(include, name));
}

function subfolders(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** The version from OpenCV's own header, if the modules we use are there too, by their names in OpenCV 4 or 5. */
function installedVersion(headers: string): string | undefined {
  const versionHeader = path.join(headers, 'core', 'version.hpp');
  const hasFeatures = ['features2d.hpp', 'features.hpp'].some((name) => existsSync(path.join(headers, name)));
  const hasGeometry = ['calib3d.hpp', '3d.hpp'].some((name) => existsSync(path.join(headers, name)));
  const hasDenoising = existsSync(path.join(headers, 'photo.hpp'));
  if (!hasFeatures || !hasGeometry || !hasDenoising || !existsSync(versionHeader)) return undefined;
  const text = readFileSync(versionHeader, 'utf8');
  return ['MAJOR', 'MINOR', 'REVISION']
    .map((part) => new RegExp(`#define CV_VERSION_${part}\\s+(\\d+)`).exec(text)?.[1] ?? '?')
    .join('.');
}
