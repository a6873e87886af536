/** A thread that gets ready to decode, and ends. */
import '../../origin/decode/decode.ts';
