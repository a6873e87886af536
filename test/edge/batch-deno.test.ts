import { describeBatch } from './batch.ts';

describeBatch('deno');
