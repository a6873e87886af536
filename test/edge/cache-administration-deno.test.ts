import { describeCacheAdministration } from './cache-administration.ts';

describeCacheAdministration('deno');
