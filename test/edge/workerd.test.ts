import { describeEdge } from './behaviours.ts';

describeEdge('workerd');
