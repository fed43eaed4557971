package labellog

// sizeType is the type of an answer that tells the size that a witness knows (C2SP tlog-witness).
const sizeType = "text/x.tlog.size"
