/**
 * What the edge says to the job service: the paths and bodies of the public API under another root, signed as requests
 * to the origin are. Responses are those of the public API.
 */
export const JOBS_PATH = '/v1/jobs';
