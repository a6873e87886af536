import { describeObserving } from './observing.ts';

describeObserving('deno');
