import { fromRoot } from '../project-root.ts';

/** The files of the pages. */
export const ASSETS_DIRECTORY = fromRoot('build', 'assets');
