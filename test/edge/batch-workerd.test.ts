import { describeBatch } from './batch.ts';

describeBatch('workerd');
