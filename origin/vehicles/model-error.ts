/** A model file that is damaged, foreign, too large or of another version; `message` says what is wrong. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}
