/** The beginning of a principal that is the subject of a certificate: `x509://CN=agent-1,O=Example`. */
export const SUBJECT_SCHEME = "x509://";
