// The few names of Retrofit and OkHttp that the generated Kotlin client uses: enough to compile it without them.
@file:Suppress("UNUSED_PARAMETER", "unused")

package retrofit2.http

annotation class GET(val value: String)
annotation class POST(val value: String)
annotation class PUT(val value: String)
annotation class PATCH(val value: String)
annotation class DELETE(val value: String)
annotation class Multipart
annotation class Path(val value: String)
annotation class Query(val value: String)
annotation class Header(val value: String)
annotation class Body
annotation class Part(val value: String = "")
