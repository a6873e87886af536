/** Something the user has to do; the message says what, with the exact command where there is one. */
export class SetUpError extends Error {
  override readonly name = 'SetUpError';
}
