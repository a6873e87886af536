import { describeAccess } from './access.ts';

describeAccess('deno');
