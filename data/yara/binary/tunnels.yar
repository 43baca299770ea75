// SPDX-License-Identifier: Apache-2.0
// Software that carries traffic past a firewall, a filter or a country's border. Lawful in most
// places and common at home; in an image of a service somebody else's traffic is likely.

rule koban_proxy_go
{
	meta:
		description = "A proxy made to pass filters (V2Ray, Xray, sing-box, trojan-go, Hysteria, Clash, gost, Shadowsocks)"
		check = "malware-proxy-avoidance"
		label = "proxy-avoidance"
		severity = "medium"
		confidence = 95
		technique = "T1090"
		mend = "Take the proxy out, unless it is what the image is for"
	strings:
		$a1 = "github.com/v2fly/v2ray-core"
		$a2 = "v2ray.com/core"
		$a3 = "github.com/xtls/xray-core" nocase
		$a4 = "github.com/sagernet/sing-box" nocase
		$a5 = "github.com/p4gefau1t/trojan-go"
		$a6 = "github.com/HyNetwork/hysteria"
		$a7 = "github.com/apernet/hysteria"
		$a8 = "github.com/Dreamacro/clash"
		$a9 = "github.com/ginuerzh/gost"
		$a10 = "github.com/go-gost/gost"
		$a11 = "github.com/shadowsocks/go-shadowsocks2"
		$a12 = "github.com/klzgrad/naiveproxy"
		$a13 = "github.com/xtaci/kcptun"
		$a14 = "github.com/snail007/goproxy"
		$a15 = "github.com/MetaCubeX/"
	condition:
		any of them
}

rule koban_tunnel_go
{
	meta:
		description = "A tunnel that opens a machine inside to the world outside (frp, ngrok, chisel, nps, rathole, cloudflared)"
		check = "malware-tunnel"
		label = "proxy-avoidance"
		severity = "medium"
		confidence = 90
		technique = "T1572"
		mend = "Take the tunnel out, unless it is what the image is for"
	strings:
		$a1 = "github.com/fatedier/frp"
		$a2 = "golang.ngrok.com/"
		$a3 = "github.com/inconshreveable/ngrok"
		$a4 = "github.com/jpillora/chisel"
		$a5 = "ehang.io/nps"
		$a6 = "github.com/cloudflare/cloudflared"
		$a7 = "github.com/ehang-io/nps"
		$a8 = "tunnel.us.ngrok.com"
		$a9 = "github.com/esrrhs/pingtunnel"
	condition:
		any of them
}

rule koban_shadowsocks
{
	meta:
		description = "Shadowsocks or a program of its family (libev, rust, ShadowsocksR)"
		check = "malware-proxy-shadowsocks"
		label = "proxy-avoidance"
		severity = "medium"
		confidence = 90
		technique = "T1090"
		mend = "Take the proxy out, unless it is what the image is for"
	strings:
		$a1 = "shadowsocks-libev"
		$a2 = "shadowsocks-rust"
		$a3 = "shadowsocks_service"
		$a4 = "ShadowsocksR"
		$s1 = "chacha20-ietf-poly1305"
		$s2 = "aes-256-gcm"
		$s3 = "plugin-opts"
		$s4 = "ss-server"
		$s5 = "ss-local"
	condition:
		1 of ($a*) and 1 of ($s*)
}

rule koban_tor
{
	meta:
		description = "Tor, which hides where traffic comes from and goes to"
		check = "malware-proxy-tor"
		label = "proxy-avoidance"
		severity = "medium"
		confidence = 95
		technique = "T1090.003"
		mend = "Take Tor out, unless it is what the image is for"
	strings:
		$a1 = "HiddenServiceDir"
		$a2 = "HiddenServicePort"
		$s1 = "TransPort"
		$s2 = "DirAuthority"
		$s3 = "ExitRelay"
		$s4 = "BridgeRelay"
		$s5 = "cached-microdesc"
	condition:
		1 of ($a*) and 3 of ($s*)
}

rule koban_traffic_seller
{
	meta:
		description = "A client that sells this machine's network line to strangers (proxyware)"
		check = "malware-proxyware"
		label = "proxy-avoidance"
		severity = "high"
		confidence = 90
		technique = "T1496.002"
		mend = "Take the client out: others send their traffic from your address"
	strings:
		$a1 = "traffmonetizer" nocase
		$a2 = "honeygain" nocase
		$a3 = "iproyal_pawns" nocase
		$a4 = "pawns-cli" nocase
		$a5 = "packetstream.io" nocase
		$a6 = "repocket.co" nocase
		$a7 = "earnapp.com" nocase
		$a8 = "peer2profit" nocase
		$a9 = "proxyrack.com" nocase
		$a10 = "bitping.com" nocase
		$a11 = "proxylite.ru" nocase
	condition:
		any of them
}
