/** Codes that concern one file; a full disk, for one, concerns all. */
const FILE_ERRORS: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'EIO',
  'ENAMETOOLONG',
  'ELOOP',
]);

/** The error, if it says that one file cannot be read. */
export function fileErrorOf(error: unknown): Error | undefined {
  return error instanceof Error && 'code' in error && FILE_ERRORS.has(String(error.code)) ? error : undefined;
}
