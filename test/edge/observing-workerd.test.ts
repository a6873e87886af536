import { describeObserving } from './observing.ts';

describeObserving('workerd');
