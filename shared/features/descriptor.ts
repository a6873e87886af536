/** Elements of a SIFT descriptor: 4×4 cells of 8 orientations (Lowe 2004, section 6.1). */
export const DESCRIPTOR_LENGTH = 128;
