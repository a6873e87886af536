import { describeFormats } from './formats.ts';

describeFormats('deno');
