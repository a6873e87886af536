import { describeCacheAdministration } from './cache-administration.ts';

describeCacheAdministration('workerd');
