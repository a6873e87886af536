import { describeEdge } from './behaviours.ts';

describeEdge('deno');
