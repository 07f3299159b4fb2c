package okhttp3

abstract class RequestBody

abstract class MultipartBody : RequestBody() {
    abstract class Part
}

abstract class ResponseBody
