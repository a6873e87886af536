import { describeMatching } from './behaviours.ts';

describeMatching('deno');
